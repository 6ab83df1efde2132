// GraphiQL's style sheet carries 34 fonts and some icons as data: URLs: 340 kB that a policy of
// `default-src 'self'` refuses anyway. They go: src/style.css names system fonts, and GraphiQL shows none of the icons.

const FONT_FACES = /@font-face\s*\{[^}]*\}/g;
const DATA_IMAGES = /background-image:\s*url\((["']?)data:[^)]*\1\);?/g;

export function selfContainedCss() {
  return {
    name: 'self-contained-css',
    enforce: 'pre',
    transform(code, id) {
      if (!/node_modules.*\.css$/.test(id)) return null;
      return { code: code.replace(FONT_FACES, '').replace(DATA_IMAGES, ''), map: null };
    },
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.fileName.endsWith('.css') && /url\(|@import/.test(String(file.source))) {
          this.error(`${file.fileName} still refers to something outside itself`);
        }
      }
    },
  };
}
