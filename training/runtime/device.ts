import { join } from 'node:path';
import { AppError } from '../../src/errors.ts';
import { type Machine, thisMachine } from './machine.ts';

export type DeviceProvider = 'cpu' | 'cuda' | 'webgpu' | 'coreml' | 'dml';

/** A piece that is not there, and what brings it. */
interface Missing {
  readonly what: string;
  readonly hint: string;
}

const useCpu = 'or set runtime.device=cpu to train on the CPU';

/** By itself, for npm runs no script that package.json refuses, not even when it is told to rebuild. */
const INSTALL_CUDA =
  'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js';

/** The provider and the loader of providers; both are downloaded, not part of the package. */
const cudaFiles = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];
const DRIVER = 'libcuda.so.1';

/** What each device lacks on a machine; undefined: nothing. */
const devices: Readonly<Record<DeviceProvider, (machine: Machine) => Missing | undefined>> = {
  cpu: () => undefined,
  cuda: missingForCuda,
  webgpu: ({ platform, hasLibrary }) =>
    platform === 'linux' && !hasLibrary('libvulkan.so.1')
      ? {
          what: 'the Vulkan loader libvulkan.so.1, by which WebGPU reaches the GPU, is not on the library path',
          hint: "apt-get install libvulkan1, and the GPU's driver",
        }
      : undefined,
  coreml: ({ platform }) =>
    platform === 'darwin'
      ? undefined
      : { what: `CoreML is a part of macOS, this is ${platform}`, hint: 'run it on a Mac' },
  dml: ({ platform, bindingFolder, has }) => {
    if (platform !== 'win32')
      return { what: `DirectML is a part of Windows, this is ${platform}`, hint: 'run it there' };
    if (has(join(bindingFolder, 'DirectML.dll'))) return undefined;
    return {
      what: `DirectML.dll is not beside the runtime's binding in ${bindingFolder}`,
      hint: 'npm install onnxruntime-node brings it',
    };
  },
};

function missingForCuda(machine: Machine): Missing | undefined {
  const { platform, arch, bindingFolder } = machine;
  if (platform !== 'linux' || arch !== 'x64') {
    return {
      what: `the runtime's CUDA provider exists for Linux on x64, this is ${platform} on ${arch}`,
      hint: 'run it on such a machine',
    };
  }
  const file = cudaFiles.find((name) => !machine.has(join(bindingFolder, name)));
  if (file !== undefined) {
    return {
      what: `${file} is not beside the runtime's binding in ${bindingFolder}`,
      hint: `${INSTALL_CUDA} installs it`,
    };
  }
  if (!machine.hasLibrary(DRIVER)) {
    return {
      what: `${DRIVER}, a part of NVIDIA's driver, is not on the library path`,
      hint: 'install the driver; a container needs --gpus all',
    };
  }
  const needed = cudaFiles.flatMap((name) => machine.needs(join(bindingFolder, name)));
  const library = needed.find((name) => !cudaFiles.includes(name) && !machine.hasLibrary(name));
  if (library === undefined) return undefined;
  return {
    what: `${library}, which ${cudaFiles[0]} needs, is not on the library path`,
    hint: 'install CUDA 12 and cuDNN 9, or name their folder in LD_LIBRARY_PATH',
  };
}

export interface FoundDevice {
  readonly provider: DeviceProvider;
  /** What was taken and why, for a person. */
  readonly note: string;
}

/**
 * The execution provider of a device. `auto` takes CUDA where everything for it is there, else the CPU: the
 * other providers lack kernels of the training graphs. AppError `device_unavailable` that names the piece that is
 * missing and what brings it.
 */
export function findDevice(name: string, machine: Machine = thisMachine()): FoundDevice {
  if (name === 'auto') {
    const missing = devices.cuda(machine);
    return missing
      ? { provider: 'cpu', note: `cpu, taken by auto: cuda is not available, ${missing.what}` }
      : { provider: 'cuda', note: 'cuda, taken by auto' };
  }
  if (!isDevice(name)) {
    const names = ['auto', ...Object.keys(devices)].join(', ');
    throw new AppError('device_unavailable', `device ${name}: expected one of ${names}`, {
      hint: 'set runtime.device=cpu to train on the CPU',
    });
  }
  const missing = devices[name](machine);
  if (!missing) return { provider: name, note: name };
  throw new AppError('device_unavailable', `device ${name}: ${missing.what}`, {
    hint: `${missing.hint}, ${useCpu}`,
  });
}

/** The execution provider of a device; see `findDevice`. */
export const providerOf = (name: string): DeviceProvider => findDevice(name).provider;

const isDevice = (name: string): name is DeviceProvider => Object.hasOwn(devices, name);
