import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Ends what waits in vain. No test is about how long something takes, and a busy machine may take its time. */
const HANG_MS = 300_000;

const UNIT = 'test/{unit,property,fuzz}/**/*.test.ts';
const replacesModules = globSync(UNIT).filter((file) => readFileSync(file, 'utf8').includes('vi.mock('));

export default defineConfig({
  test: {
    globalSetup: 'test/support/nothing-left.ts',
    // Two cores are the smallest machine this must pass on; real encoders and browsers share them.
    maxWorkers: 2,
    // `npm run coverage`: which lines of the sources no test runs. A map for reading, without a goal.
    coverage: { include: ['src/**/*.ts', 'signaling/**/*.ts'], reporter: ['text-summary', 'html'] },
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: HANG_MS / 2.5, interval: 20 } },
    projects: [
      {
        extends: true,
        // Half of the time went into a process for each file, which pure code does not need.
        test: { name: 'unit', include: [UNIT], exclude: replacesModules, isolate: false },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/{integration,browser,chaos,soak}/**/*.test.ts', ...replacesModules],
        },
      },
    ],
  },
});
