import { expect, it } from '@jest/globals';
import { describeKeys } from '../../../src/config/index.ts';
import { accessRows } from './access-rows.ts';
import { dataRows } from './data-rows.ts';
import { graphRows } from './graph-rows.ts';
import { modelRows } from './models-rows.ts';
import { quantizeRows } from './quantize-rows.ts';
import { runRows } from './run-rows.ts';
import { servingRows } from './serving-rows.ts';

const rows = [
  ...[...dataRows, ...graphRows, ...runRows, ...quantizeRows],
  ...[...servingRows, ...accessRows, ...modelRows],
];

it('every key of the configuration has one row that shows its effect, and no row is of another', () => {
  const keys = describeKeys().map(({ path }) => path);
  expect(rows.map(({ key }) => key).sort()).toEqual([...keys].sort());
});

it('a row that looks at something else than the effect says why', () => {
  const odd = rows.filter(({ instead }) => instead !== undefined && instead.length < 20);
  expect(odd).toEqual([]);
});
