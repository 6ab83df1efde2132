// Builds src/ and public/ into the folder that the API serves under /operator/static: stable names, nothing from elsewhere.
import { defineConfig } from 'vite';

import { licences } from '../graphiql/build/licences.js';

export default defineConfig({
  base: '/operator/static/',
  build: {
    outDir: '../../app/api/static/operator',
    emptyOutDir: true,
    // As old as those of the customer's page.
    target: ['chrome109', 'safari16', 'firefox115'],
    sourcemap: false,
    cssCodeSplit: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      input: 'src/main.tsx',
      output: {
        codeSplitting: false,
        entryFileNames: 'console.js',
        assetFileNames: (asset) => (asset.names[0]?.endsWith('.css') ? 'console.css' : '[name][extname]'),
        postBanner: '/*! The licences of what is bundled here: LICENSES.txt */',
      },
    },
  },
  plugins: [licences('LICENSES.txt')],
});
