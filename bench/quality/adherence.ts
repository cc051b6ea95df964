/** Shares of prompts whose picture shows what they ask for, field by field. Pure. */

/** Not to be seen in base frames, so the probe counts the one as the other. */
const SAME_IN_BASE: Readonly<Record<string, string>> = { stars: 'clear' };

const inBase = (field: string, value: string): string => (field === 'weather' ? (SAME_IN_BASE[value] ?? value) : value);

export class Adherence {
  readonly #counts = new Map<string, { asked: number; shown: number }>();

  /** @param asked the prompt's fields; @param seen what was found, field by field. */
  add(asked: Readonly<Record<string, string>>, seen: Readonly<Record<string, string>>): void {
    for (const [field, value] of Object.entries(asked)) {
      const count = this.#counts.get(field) ?? { asked: 0, shown: 0 };
      const found = seen[field];
      const shown = found !== undefined && inBase(field, found) === inBase(field, value);
      this.#counts.set(field, { asked: count.asked + 1, shown: count.shown + (shown ? 1 : 0) });
    }
  }

  /** In percent, by field, in the order in which the fields were met. */
  get percent(): Record<string, number> {
    return Object.fromEntries(
      [...this.#counts].map(([field, { asked, shown }]) => [field, tenth((100 * shown) / asked)]),
    );
  }

  /** Over all fields alike. */
  get meanPercent(): number {
    const shares = Object.values(this.percent);
    return tenth(shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length));
  }
}

const tenth = (value: number): number => Math.round(value * 10) / 10;
