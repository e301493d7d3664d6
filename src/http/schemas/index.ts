import type { AppDeps } from '../deps.ts';
import type { Schema } from '../openapi/operation.ts';
import { errorSchemas } from './errors.ts';
import { predictionSchemas } from './predictions.ts';
import { protocolSchemas } from './protocol.ts';
import { serviceSchemas } from './service.ts';

/** The components of the document. */
export function componentSchemas(deps: AppDeps): Record<string, Schema> {
  return {
    ...predictionSchemas(deps),
    ...protocolSchemas(deps),
    ...serviceSchemas,
    ...errorSchemas,
  };
}
