import { accessRows } from './access-rows.ts';
import { beginToWatch, modelRows } from './models-rows.ts';
import { testRows } from './row.ts';
import { servingRows } from './serving-rows.ts';

beginToWatch();
testRows('the server', servingRows);
testRows('access and logs', accessRows);
testRows('models', modelRows);
