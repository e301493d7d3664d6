import { describe, expect, it } from '@jest/globals';
import { Quarantine } from '../../../src/scheduler/quarantine.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const quarantine = new Quarantine(clock);
  const die = (text: string, times: number) => {
    for (let i = 0; i < times; i += 1) quarantine.died(text);
  };
  return { clock, quarantine, die };
}

describe('the quarantine of texts', () => {
  it('begins with the second engine that a text ended, and is of that text alone', () => {
    const { quarantine, die } = setUp();
    die('poison', 1);
    expect(quarantine.secondsLeft('poison')).toBeUndefined();
    die('poison', 1);
    expect(quarantine.secondsLeft('poison')).toBe(300);
    expect(quarantine.secondsLeft('poison ')).toBeUndefined();
  });

  it('begins at once where an end counts for two', () => {
    const { quarantine } = setUp();
    quarantine.died('stuck', 2);
    expect(quarantine.secondsLeft('stuck')).toBe(300);
  });

  it('ends after five minutes, and then takes two engines again', async () => {
    const { clock, quarantine, die } = setUp();
    die('poison', 2);
    await clock.pass(1);
    expect(quarantine.secondsLeft('poison')).toBe(300);
    await clock.pass(298_999);
    expect(quarantine.secondsLeft('poison')).toBe(1);
    await clock.pass(1_000);
    expect(quarantine.secondsLeft('poison')).toBeUndefined();
    die('poison', 1);
    expect(quarantine.secondsLeft('poison')).toBeUndefined();
    die('poison', 1);
    expect(quarantine.secondsLeft('poison')).toBe(300);
  });

  it('forgets a death that is five minutes old', async () => {
    const { clock, quarantine, die } = setUp();
    die('unlucky', 1);
    await clock.pass(300_000);
    die('unlucky', 1);
    expect(quarantine.secondsLeft('unlucky')).toBeUndefined();
  });

  it('is not of a text that was scored after an engine had died', () => {
    const { quarantine, die } = setUp();
    die('unlucky', 1);
    quarantine.survived('unlucky');
    die('unlucky', 1);
    expect(quarantine.secondsLeft('unlucky')).toBeUndefined();
  });

  it('remembers a thousand texts, and forgets the one whose last death is the longest ago', () => {
    const { quarantine, die } = setUp();
    die('first', 2);
    die('second', 2);
    for (let i = 0; i < 998; i += 1) die(`text ${i}`, 1);
    expect(quarantine.secondsLeft('first')).toBe(300);
    die('first', 1);
    die('one more', 1);
    expect(quarantine.secondsLeft('first')).toBe(300);
    expect(quarantine.secondsLeft('second')).toBeUndefined();
  });
});
