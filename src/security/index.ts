export { ApiKeys } from './api-keys.ts';
export type { Scope } from './key-list.ts';
export { openAccess } from './open-access.ts';
export { callerOfAddress, RateLimiter } from './rate-limiter.ts';
