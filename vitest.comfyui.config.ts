/** `npm run test:comfyui`: the tests that need a real ComfyUI, at GLIMPSE_COMFYUI_URL. They need no weights. */
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/comfyui/*.check.ts'], testTimeout: 60_000 } });
