import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../src/errors.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { findDevice } from '../../../training/runtime/device.ts';
import { neededLibraries } from '../../../training/runtime/elf.ts';
import { type Machine, thisMachine } from '../../../training/runtime/machine.ts';
import { requireKernels } from '../../../training/runtime/session.ts';
import { compileTiny } from '../../support/tiny-distilbert.ts';

const files = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];
const libraries = ['libcuda.so.1', 'libcudart.so.12', 'libcudnn.so.9', 'libvulkan.so.1'];

/** A Linux machine with everything for CUDA, but for what is named. */
function machine(without: readonly string[] = [], changes: Partial<Machine> = {}): Machine {
  return {
    platform: 'linux',
    arch: 'x64',
    bindingFolder: '/runtime/bin',
    has: (path) => files.some((name) => path === `/runtime/bin/${name}` && !without.includes(name)),
    hasLibrary: (name) => libraries.includes(name) && !without.includes(name),
    needs: () => ['libcudart.so.12', 'libcudnn.so.9', 'libonnxruntime_providers_shared.so'],
    ...changes,
  };
}

function errorOf(name: string, on: Machine): AppError {
  try {
    findDevice(name, on);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`${name} was found`);
}

describe('a device that is not available', () => {
  it.each([
    ['cuda', 'libonnxruntime_providers_cuda.so', 'ONNXRUNTIME_NODE_INSTALL=cuda12 node'],
    ['cuda', 'libonnxruntime_providers_shared.so', 'ONNXRUNTIME_NODE_INSTALL=cuda12 node'],
    ['cuda', 'libcuda.so.1', 'driver'],
    ['cuda', 'libcudart.so.12', 'CUDA 12'],
    ['cuda', 'libcudnn.so.9', 'cuDNN 9'],
    ['webgpu', 'libvulkan.so.1', 'apt-get install libvulkan1'],
  ])('%s without %s is an error that names it, and what to do', (device, piece, remedy) => {
    const error = errorOf(device, machine([piece]));
    expect(error).toMatchObject({ code: 'device_unavailable', exitCode: 3 });
    expect(error.message).toContain(`device ${device}: `);
    expect(error.message).toContain(piece);
    expect(error.hint).toContain(remedy);
    expect(error.hint).toContain('runtime.device=cpu');
  });

  it.each([
    ['coreml', 'CoreML is a part of macOS, this is linux', 'run it on a Mac', {}],
    ['dml', 'DirectML is a part of Windows, this is linux', 'run it there', {}],
    [
      'dml',
      'DirectML.dll is not beside',
      'npm install onnxruntime-node',
      { platform: 'win32', has: () => false },
    ],
    [
      'cuda',
      'exists for Linux on x64, this is darwin on arm64',
      'run it on such a machine',
      { platform: 'darwin', arch: 'arm64' },
    ],
    [
      'cuda',
      'exists for Linux on x64, this is linux on arm64',
      'run it on such a machine',
      { arch: 'arm64' },
    ],
    ['tpu', 'device tpu: expected one of auto, cpu, cuda, webgpu, coreml, dml', '', {}],
  ])('%s: "%s", and what to do: "%s"', (device, message, remedy, changes) => {
    const error = errorOf(device, machine([], changes));
    expect(error.code).toBe('device_unavailable');
    expect(error.message).toContain(message);
    expect(error.hint).toContain(remedy);
    expect(error.hint).toContain('runtime.device=cpu');
  });
});

describe('the command that brings the CUDA provider', () => {
  const [hint = ''] = errorOf('cuda', machine([files[0] ?? ''])).hint?.split(' installs it') ?? [];

  it('is the documented one', () => {
    expect(hint).not.toBe('');
    for (const document of ['README.md', 'docs/devices.md']) {
      expect(readFileSync(join(packageRoot, document), 'utf8')).toContain(hint);
    }
  });

  // `skip` instead of `cuda12`, behind a proxy that does not answer: nothing is downloaded, whatever becomes of the variable.
  it("starts the runtime's own installer, which heeds the variable", () => {
    const [variable = '', script = ''] = hint.split('=cuda12 node ');
    const { status, stderr } = spawnSync(process.execPath, [join(packageRoot, script)], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        GLOBAL_AGENT_HTTP_PROXY: 'http://127.0.0.1:1',
        [variable]: 'skip',
      },
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

describe('a device that is available', () => {
  it('is its own provider', () => {
    for (const name of ['cpu', 'cuda', 'webgpu'])
      expect(findDevice(name, machine())).toEqual({ provider: name, note: name });
    const mac = machine([], { platform: 'darwin' });
    expect(findDevice('coreml', mac).provider).toBe('coreml');
    expect(findDevice('webgpu', mac).provider).toBe('webgpu');
    const windows = machine([], { platform: 'win32', has: () => true });
    expect(findDevice('dml', windows).provider).toBe('dml');
  });

  it('is CUDA for auto, if everything for it is there; auto says what it took', () => {
    expect(findDevice('auto', machine())).toEqual({
      provider: 'cuda',
      note: 'cuda, taken by auto',
    });
    const { provider, note } = findDevice('auto', machine(['libcudnn.so.9']));
    expect(provider).toBe('cpu');
    expect(note).toMatch(/^cpu, taken by auto: cuda is not available, libcudnn\.so\.9/);
  });
});

describe('this machine', () => {
  const found = thisMachine();

  it('has the folder of the runtime with its native binding', () => {
    expect(readdirSync(found.bindingFolder)).toContain('onnxruntime_binding.node');
  });

  it('has no library that nobody has', () => {
    expect(found.hasLibrary('libnobody-has-this.so.7')).toBe(false);
  });

  (process.platform === 'linux' ? it : it.skip)(
    'has the libraries that its native binding needs, read from the file',
    () => {
      const binding = join(found.bindingFolder, 'onnxruntime_binding.node');
      const needed = neededLibraries(binding);
      expect(needed).toContain('libonnxruntime.so.1');
      expect(needed).toContain('libc.so.6');
      expect(needed.filter((name) => !found.hasLibrary(name))).toEqual([]);
      expect(neededLibraries(join(found.bindingFolder, '../../../../package.json'))).toEqual([]);
    },
  );
});

describe('a graph on a device without all its kernels', () => {
  it('is refused: every operator and type is named, and how to allow the CPU', () => {
    const { training } = compileTiny({ dropout: 0.1 });
    const check = () => requireKernels(training.graph, 'webgpu');
    expect(check).toThrow(
      expect.objectContaining({
        code: 'device_unavailable',
        message: expect.stringMatching(/device webgpu .*Dropout on float32, opset 17/),
        hint: expect.stringContaining('runtime.allow_cpu_fallback=true'),
      }),
    );
    expect(() => requireKernels(training.graph, 'cuda')).not.toThrow();
  });
});
