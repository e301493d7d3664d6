import { AppError } from '../../src/errors.ts';

interface Device {
  /** The execution provider, where training can run on it. */
  readonly provider?: 'cpu';
  readonly missing?: string;
  readonly hint?: string;
}

const useCpu = 'set runtime.device=cpu to train on the CPU';

const devices: Readonly<Record<string, Device>> = {
  cpu: { provider: 'cpu' },
  auto: { provider: 'cpu' },
  cuda: {
    missing:
      "the runtime's CUDA provider (libonnxruntime_providers_cuda), which is not installed by default, is not used for training yet",
    hint: `${useCpu}; ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node installs the provider`,
  },
  webgpu: { missing: 'training does not use the WebGPU provider yet', hint: useCpu },
  coreml: { missing: 'training does not use the CoreML provider yet', hint: useCpu },
  dml: { missing: 'training does not use the DirectML provider yet', hint: useCpu },
};

/** The execution provider of a device. AppError `device_unavailable` that names what is missing. */
export function providerOf(name: string): 'cpu' {
  const device = devices[name];
  if (device?.provider) return device.provider;
  throw new AppError(
    'device_unavailable',
    `device ${name}: ${device?.missing ?? `expected one of ${Object.keys(devices).join(', ')}`}`,
    { hint: device?.hint ?? useCpu },
  );
}
