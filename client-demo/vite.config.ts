/**
 * Builds the page to `dist`, and beside it the SDK as `glimpse-client.js`, so that any page can import it from a
 * running server. In development, a server on its usual port provides the API.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SDK = 'glimpse-client';

const SERVER = 'http://127.0.0.1:8080';

export default defineConfig({
  // Relative, so that the page works below any path of a reverse proxy.
  base: './',
  build: {
    target: 'es2024',
    outDir: 'dist',
    emptyOutDir: true,
    rolldownOptions: {
      input: { index: at('index.html'), [SDK]: at('../src/client/index.ts') },
      preserveEntrySignatures: 'exports-only',
      output: { entryFileNames: ({ name }) => (name === SDK ? '[name].js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/signal': { target: SERVER, ws: true }, '/v1': SERVER, '/whep': SERVER } },
});
