import { readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';
import { operators } from './operators.mjs';

/**
 * @typedef Fault
 * @property {string} file relative to the root
 * @property {string} operator its name in the table of operators
 * @property {number} start first byte of what is replaced
 * @property {number} end
 * @property {string} from
 * @property {string} to
 * @property {number} line from 1
 * @property {string} on that line
 */

/** Every fault that the operators can plant in a file. @returns {Fault[]} */
export function faultsOf(root, file) {
  return faultsIn(readFileSync(`${root}/${file}`, 'utf8'), file);
}

/** Every fault that the operators can plant in a source. @returns {Fault[]} */
export function faultsIn(source, file) {
  const bytes = Buffer.from(source);
  // swc counts bytes from 1.
  const text = ({ span: { start, end } }) => bytes.toString('utf8', start - 1, end - 1);
  const lines = source.split('\n');
  const faults = [];
  visit(parseSync(source, { syntax: 'typescript', target: 'es2023' }), (node) => {
    for (const [operator, { types, faults: find }] of Object.entries(operators)) {
      if (!types.includes(node.type)) continue;
      for (const { span, to } of find(node, text)) {
        const start = span.start - 1;
        const line = bytes.toString('utf8', 0, start).split('\n').length;
        const on = lines[line - 1]?.trim() ?? '';
        const from = text({ span });
        faults.push({ file, operator, start, end: span.end - 1, from, to, line, on });
      }
    }
  });
  return faults;
}

/** The source with the fault in it. */
export function planted(source, { start, end, to }) {
  const bytes = Buffer.from(source);
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(to), bytes.subarray(end)]).toString();
}

/** What is only written, not run: types, and the words of errors, which may change freely. */
const SKIPPED = /^(Ts(?!AsExpression|NonNull|Satisfies|Const)|ImportDeclaration|ExportAll)/;

function visit(node, see) {
  if (Array.isArray(node)) {
    for (const one of node) visit(one, see);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  if (typeof node.type === 'string') {
    if (SKIPPED.test(node.type)) return;
    see(node);
  }
  for (const [name, child] of Object.entries(node)) {
    if (name !== 'span' && name !== 'typeAnnotation') visit(child, see);
  }
}
