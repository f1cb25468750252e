// Prints the Khronos validator's report on one .glb as JSON.
const { readFileSync } = require("fs");
const { createRequire } = require("module");
const [folder, file] = process.argv.slice(2);
const validator = createRequire(folder + "/")("gltf-validator");

validator.validateBytes(new Uint8Array(readFileSync(file)), { maxIssues: 0 }).then(
  (report) => console.log(JSON.stringify(report)),
  (reason) => { console.error(String(reason)); process.exit(1); },
);
