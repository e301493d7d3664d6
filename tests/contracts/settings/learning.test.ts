import { dataRows } from './data-rows.ts';
import { graphRows } from './graph-rows.ts';
import { testRows } from './row.ts';

testRows('the data', dataRows);
testRows('the graphs', graphRows);
