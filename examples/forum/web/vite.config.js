import { defineConfig } from 'vite';

export default defineConfig({
  esbuild: { jsx: 'automatic' },
  build: { target: 'es2021' },
  server: {
    // npm run dev talks to the API of the running stack.
    proxy: { '/api/v1': 'http://localhost:8000' },
  },
});
