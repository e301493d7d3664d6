import { describe, expect, it } from '@jest/globals';
import { describeError, errorLine } from '../../../src/bin/run-command.ts';
import { AppError } from '../../../src/errors.ts';

describe('the report of a failed command', () => {
  it('is the message and the hint of an expected error', () => {
    const error = new AppError('file_missing', 'x.csv does not exist', { hint: 'name another' });
    expect(describeError(error, false)).toBe('error: x.csv does not exist\nhint: name another');
  });

  it('acts on no terminal, whatever names it repeats', () => {
    const name = '\u001b[2J\u009b31m\u202e\u0007\r.csv';
    expect(describeError(new AppError('usage', `${name}\tis no file`, { hint: name }), false)).toBe(
      'error: \\u001b[2J\\u009b31m\\u202e\\u0007\\u000d.csv\tis no file\nhint: \\u001b[2J\\u009b31m\\u202e\\u0007\\u000d.csv',
    );
  });

  it('has no stack of an unexpected error, but says how to get it', () => {
    expect(describeError(new TypeError('x is not a function'), false)).toBe(
      'error: x is not a function\nhint: run it again with --verbose to see where it failed',
    );
  });

  it('has the stacks of the error and its causes when verbose', () => {
    const error = new AppError('data_invalid', 'bad', { cause: new Error('deeper') });
    const lines = describeError(error, true).split('\n');
    expect(lines[0]).toBe('error: bad');
    expect(lines).toContain('AppError: bad');
    expect(lines).toContain('Error: deeper');
  });

  it('does not act on a terminal, whatever a message quotes', () => {
    const error = new AppError('data_invalid', 'x\u001b[2J\nof two lines', { hint: '\u0007y' });
    expect(describeError(error, false)).toBe('error: x\\u001b[2J\nof two lines\nhint: \\u0007y');
  });

  it('is one line of JSON in a JSON log, whatever it says', () => {
    const error = new AppError('config_invalid', 'two\nproblems', { hint: 'read "this"' });
    const line = errorLine(error, false);
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      level: 'error',
      code: 'config_invalid',
      message: 'two\nproblems',
      hint: 'read "this"',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect(JSON.parse(errorLine(new TypeError('x'), true))).toMatchObject({
      code: 'internal',
      message: 'x',
      stack: expect.stringContaining('TypeError: x\n'),
    });
  });

  it('has several lines where the error has them, and none that somebody else forged', () => {
    const error = new AppError(
      'config_invalid',
      'two problems:\n  a is "\u001b[2J"\n  at is 1\n    at evil (x.js:1)\nerror: forged\nhint: forged',
      { hint: 'do\nerror: forged' },
    );
    expect(describeError(error, false)).toBe(
      'error: two problems:\n  a is "\\u001b[2J"\\n  at is 1\\n    at evil (x.js:1)\\nerror: forged\\nhint: forged\nhint: do\\nerror: forged',
    );
  });

  it('is made of anything that is thrown', () => {
    expect(describeError('just words', false)).toContain('error: just words');
  });
});
