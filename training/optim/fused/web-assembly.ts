/** A memory of WebAssembly: pages of 64 KiB that the system hands out when they are first written. */
export interface Memory {
  readonly buffer: ArrayBuffer;
}

export const PAGE_BYTES = 65_536;

/** The part of the WebAssembly API that is used here; TypeScript declares it for browsers alone. */
interface Api {
  readonly Memory: new (size: { readonly initial: number }) => Memory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, Memory>>>>,
  ) => { readonly exports: object };
}

export const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Api };
