import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const dist = here('dist');

/** Kept between builds: the file of dist that is in version control. */
const KEPT = 'unbuilt.html';

/** Empties dist before a build, and stores each text file packed beside itself after it, for the gateway to send as it is. */
function packed(): Plugin {
  return {
    name: 'packed',
    apply: 'build',
    buildStart() {
      for (const name of existsSync(dist) ? readdirSync(dist) : []) {
        if (name !== KEPT) rmSync(join(dist, name), { recursive: true });
      }
    },
    closeBundle() {
      for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
        if (name === KEPT || !['.css', '.html', '.js', '.svg'].includes(extname(name))) continue;
        const path = join(dist, name);
        const body = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
      }
    },
  };
}

export default defineConfig({
  // Relative, so that the page also works below a path of some proxy's.
  base: './',
  plugins: [packed()],
  resolve: { alias: { '@openclaw/sdk': here('../sdk/node/src/index.ts') } },
  build: {
    target: 'es2022',
    emptyOutDir: false,
    // Fonts and images as files: the page's policy knows no data: but for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:3000', '/healthz': 'http://127.0.0.1:3000' } },
});
