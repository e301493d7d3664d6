export { isHubReference } from './reference.ts';
export { downloadModel } from './snapshot.ts';
