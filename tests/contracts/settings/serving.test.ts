import { beforeAll } from '@jest/globals';
import { accessRows } from './access-rows.ts';
import { beginToWatch, modelRows } from './models-rows.ts';
import { testRows } from './row.ts';
import { servingRows } from './serving-rows.ts';

beforeAll(beginToWatch, 20_000);
testRows('the server', servingRows);
testRows('access and logs', accessRows);
testRows('models', modelRows);
