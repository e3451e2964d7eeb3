// Ends with status 1 where the machine is not bare, so that a proof on it would prove nothing.
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const found = [];
for (const folder of process.env.PATH.split(delimiter)) {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) if (/^(chrom|google-chrome|firefox)/.test(name)) found.push(join(folder, name));
}
for (const library of ['libvulkan.so.1', 'libnss3.so', 'libnspr4.so', 'libfontconfig.so.1']) {
  try {
    process.dlopen({ exports: {} }, library);
  } catch (error) {
    if (!error.message.includes('cannot open shared object file')) found.push(library);
  }
}
for (const folder of ['/usr/share/fonts', '/usr/local/share/fonts', '/etc/fonts', '/usr/share/vulkan', '/etc/vulkan', '/opt/google']) {
  if (existsSync(folder) && readdirSync(folder).length > 0) found.push(folder);
}
for (const name of ['CHROMIUM_PATH', 'LD_LIBRARY_PATH', 'FONTCONFIG_PATH', 'FONTCONFIG_FILE', 'VK_ICD_FILENAMES', 'VK_DRIVER_FILES']) {
  if (process.env[name] !== undefined) found.push(name);
}
if (found.length > 0) {
  console.error(`The machine is not bare, it has ${found.join(', ')}.`);
  process.exit(1);
}
const who = process.getuid() === 0 ? 'root' : `user ${process.getuid()}`;
console.log(`A bare machine, ${who}, Node ${process.versions.node}: no browser, Vulkan, NSS or fonts.`);
