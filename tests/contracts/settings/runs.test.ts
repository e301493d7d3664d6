import { quantizeRows } from './quantize-rows.ts';
import { testRows } from './row.ts';
import { runRows } from './run-rows.ts';

testRows('a run', runRows);
testRows('the limits of smaller files', quantizeRows);
