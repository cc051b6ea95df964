/** Builds the page to `dist`; in development, the API comes from a server on its usual port. */
import { defineConfig } from 'vite';

const SERVER = 'http://127.0.0.1:8080';

export default defineConfig({
  // Relative, so that the page works under any path of a reverse proxy.
  base: './',
  build: { target: 'es2024', outDir: 'dist', emptyOutDir: true },
  server: { proxy: { '/signal': { target: SERVER, ws: true }, '/v1': SERVER, '/whep': SERVER } },
});
