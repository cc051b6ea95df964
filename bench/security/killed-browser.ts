/** A browser that is killed says no goodbye: how long until its sessions are free again. */
import { launchMortalChromium } from '../support/browser/chromium.ts';
import { WhepPage } from '../support/browser/whep-page.ts';
import type { SecurityFigure } from './figures.ts';
import { Target } from './target.ts';

export async function killedBrowser(): Promise<SecurityFigure[]> {
  await using target = await Target.start();
  const { browser, kill } = await launchMortalChromium();
  const player = await WhepPage.open(browser, target.url);
  await player.play({ prompt: 'a red ball' });
  const startedMs = performance.now();
  await kill();
  await target.untilEmpty();
  const seconds = Math.round((performance.now() - startedMs) / 10) / 100;
  return [{ attack: 'a killed browser', figure: 'its session free after', value: seconds, limit: 15, unit: 's' }];
}
