export default {
  rootDir: '.',
  // Sources too, so that coverage knows of those that no test loads.
  roots: ['<rootDir>/tests', '<rootDir>/src', '<rootDir>/training'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: process.env.MBTI_LONG ? [] : ['\\.long\\.test\\.ts$'],
  testEnvironment: '<rootDir>/tests/support/environment.js',
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/runs/'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  collectCoverageFrom: ['src/**/*.ts', 'training/**/*.ts', '!training/onnx/proto/**'],
  // A line a file in coverage/files.txt, every line and branch in coverage/index.html.
  coverageReporters: ['text-summary', ['text', { file: 'files.txt' }], 'html'],
  // One worker on two cores is jest's default and leaves half of the machine idle.
  maxWorkers: '100%',
  // What modules of past suites leave in a worker is freed when it ends. At 1.8 GB that takes a third of a second, on a busy machine
  // longer than jest waits before it speaks of a worker that has failed to exit gracefully.
  workerIdleMemoryLimit: '600MB',
};
