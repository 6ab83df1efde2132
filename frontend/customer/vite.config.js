// Builds src/ and public/ into the folder that core-app serves under /static: stable names, nothing from elsewhere.
import { defineConfig } from 'vite';

import { licences } from '../graphiql/build/licences.js';

export default defineConfig({
  base: '/static/',
  build: {
    outDir: '../../sandbox/core_app/static',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    cssCodeSplit: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      input: 'src/main.tsx',
      output: {
        codeSplitting: false,
        entryFileNames: 'page.js',
        assetFileNames: (asset) => (asset.names[0]?.endsWith('.css') ? 'page.css' : '[name][extname]'),
        postBanner: '/*! The licences of what is bundled here: LICENSES.txt */',
      },
    },
  },
  plugins: [licences('LICENSES.txt')],
});
