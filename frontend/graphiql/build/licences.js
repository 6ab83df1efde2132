// Collects the licence of every package that ended up in the bundle: most of them ask to be passed on.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export function licences(fileName) {
  return {
    name: 'licences',
    generateBundle() {
      const roots = new Set([...this.getModuleIds()].map(packageRoot).filter(Boolean));
      const notices = [...roots].map(notice).sort((a, b) => (a < b ? -1 : 1));
      this.emitFile({ type: 'asset', fileName, source: [...new Set(notices)].join(`\n${'-'.repeat(78)}\n\n`) });
    },
  };
}

function packageRoot(id) {
  const folder = id.match(/^[^?]*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/)?.[0].replace(/^\0/, '');
  return folder && existsSync(join(folder, 'package.json')) ? folder : null;
}

function notice(root) {
  const { name, version, license, author, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const file = readdirSync(root).find((entry) => /^licen[sc]e/i.test(entry));
  const by = typeof author === 'string' ? author : author?.name;
  const source = typeof repository === 'string' ? repository : repository?.url;
  const text = file ? readFileSync(join(root, file), 'utf8').trim() : unwritten(license, [by, source]);
  return `${name} ${version} (${license})\n\n${text}\n`;
}

/** Some packages name the MIT licence without enclosing its text. */
function unwritten(license, origin) {
  if (license !== 'MIT') throw new Error(`A package has no licence file and is under ${license}: see what it asks for`);
  return [...origin.filter(Boolean), '', MIT].join('\n').trim();
}

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
