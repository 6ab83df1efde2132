// Builds src/ and public/ into the folder that core-app serves under /static: stable names, nothing from elsewhere.
import { defineConfig } from 'vite';

import { licences } from '../graphiql/build/licences.js';

export default defineConfig({
  base: '/static/',
  build: {
    outDir: '../../sandbox/core_app/static',
    emptyOutDir: true,
    // The last of Windows 7 and 8, and telephones of 2017. Functions newer than these are found by a test in tests/browser.
    target: ['chrome109', 'safari16', 'firefox115'],
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
