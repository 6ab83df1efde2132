// Builds src/ and public/ into the folder that the API serves under /graphql/static: three files with
// stable names, nothing that a page would fetch from anywhere else.
import { defineConfig } from 'vite';

import { licences } from './build/licences.js';
import { selfContainedCss } from './build/self-contained-css.js';

export default defineConfig({
  plugins: [selfContainedCss(), licences('LICENSES.txt')],
  build: {
    outDir: '../../app/api/static/graphiql',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    cssCodeSplit: false,
    modulePreload: false,
    chunkSizeWarningLimit: 1300,
    rollupOptions: {
      input: 'src/main.tsx',
      output: {
        codeSplitting: false,
        entryFileNames: 'graphiql.js',
        assetFileNames: 'graphiql[extname]',
        postBanner: '/*! The licences of what is bundled here: LICENSES.txt */',
      },
      onwarn(warning, warn) {
        // "use client" in React packages means nothing outside server components.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
});
