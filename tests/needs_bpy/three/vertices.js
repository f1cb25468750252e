// Loads a .glb with three.js in a headless Chromium and says where its vertices are at some times.
//
//     node vertices.js FOLDER FILE.glb SECONDS…
//
// FOLDER has node_modules with three and @sparticuz/chromium, whose browser is used where none is on the path. The page
// is served from this machine, puts the numbers together as three.js shows them (morph targets and skin), and posts
// them back; they go to the standard output as JSON: for each time a flat array of x, y, z in the file's order.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const { pathToFileURL } = require("url");

const [folder, file, ...times] = process.argv.slice(2);
const modules = path.join(folder, "node_modules");
const LIMIT_MS = 240_000;
const NO_BROWSER = 3;

const PAGE = `<!doctype html><meta charset="utf-8">
<script type="importmap">{"imports": {"three": "/modules/three/build/three.module.js"}}</script>
<script type="module">
try {
    const THREE = await import("three");
    const { GLTFLoader } = await import("/modules/three/examples/jsm/loaders/GLTFLoader.js");
    const gltf = await new GLTFLoader().loadAsync("/head.glb");
    const found = [];
    gltf.scene.traverse((thing) => {
        if (thing.isSkinnedMesh) {
            found.push(thing);
        }
    });
    const mixer = new THREE.AnimationMixer(gltf.scene);
    for (const clip of gltf.animations) {
        mixer.clipAction(clip).setLoop(THREE.LoopOnce).play().clampWhenFinished = true;
    }
    const rest = found.flatMap((mesh) => Array.from(mesh.geometry.attributes.position.array));
    const frames = [];
    const point = new THREE.Vector3();
    for (const time of ${JSON.stringify(times.map(Number))}) {
        mixer.setTime(time);
        gltf.scene.updateMatrixWorld(true);
        const places = [];
        for (const mesh of found) {
            mesh.skeleton.update();
            for (let row = 0; row < mesh.geometry.attributes.position.count; row++) {
                mesh.getVertexPosition(row, point);
                point.applyMatrix4(mesh.matrixWorld);
                places.push(point.x, point.y, point.z);
            }
        }
        frames.push(places);
    }
    await fetch("/done", { method: "POST", body: JSON.stringify({
        three: THREE.REVISION, browser: navigator.userAgent, clips: gltf.animations.length, meshes: found.length, rest, frames,
    }) });
} catch (reason) {
    await fetch("/done", { method: "POST", body: JSON.stringify({ failed: String(reason && reason.stack || reason) }) });
}
</script>`;

async function browser() {
    for (const place of (process.env.PATH || "").split(path.delimiter)) {
        for (const name of ["chromium", "chromium-browser", "google-chrome", "chrome"]) {
            if (fs.existsSync(path.join(place, name))) {
                return [path.join(place, name), []];
            }
        }
    }
    const entry = path.join(modules, "@sparticuz", "chromium", "package.json");
    const main = JSON.parse(fs.readFileSync(entry, "utf8"));
    const start = main.exports && main.exports["."] ? main.exports["."].import || main.exports["."] : main.main;
    const packed = (await import(pathToFileURL(path.join(path.dirname(entry), start.default || start)))).default;
    return [await packed.executablePath(), packed.args];
}

async function main() {
    const [program, more] = await browser();
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), "lsf_chromium_"));
    let chromium = null;
    const end = (code, text) => {
        if (chromium) { chromium.kill("SIGKILL"); }
        fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
        if (text) { process.stderr.write(text); }
        process.exitCode = code;
        setImmediate(() => process.exit());
    };
    const server = http.createServer((request, answer) => {
        if (request.url === "/done") {
            const parts = [];
            request.on("data", (part) => parts.push(part));
            request.on("end", () => { answer.end(); process.stdout.write(Buffer.concat(parts), () => end(0)); });
            return;
        }
        const inside = path.normalize(request.url).replace(/^(\.\.[/\\])+/, "");
        if (request.url === "/") {
            answer.setHeader("Content-Type", "text/html");
            answer.end(PAGE);
        } else if (request.url === "/head.glb") {
            answer.end(fs.readFileSync(file));
        } else if (inside.startsWith("/modules/three/") && fs.existsSync(path.join(modules, inside.slice(9)))) {
            answer.setHeader("Content-Type", "text/javascript");
            answer.end(fs.readFileSync(path.join(modules, inside.slice(9))));
        } else {
            answer.statusCode = 404;
            answer.end();
        }
    });
    server.listen(0, "127.0.0.1", () => {
        const words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
            "--user-data-dir=" + profile, ...more.filter((word) => !word.startsWith("--headless"))];
        const address = "http://127.0.0.1:" + server.address().port + "/";
        chromium = spawn(program, [...words, address], { stdio: ["ignore", "ignore", "pipe"] });
        let said = "";
        chromium.stderr.on("data", (part) => { said = (said + part).slice(-2000); });
        chromium.on("error", (reason) => end(NO_BROWSER, String(reason)));
        chromium.on("exit", (code) => end(NO_BROWSER, "Chromium ended (" + code + "): " + said));
        setTimeout(() => end(NO_BROWSER, "Chromium did not answer: " + said), LIMIT_MS);
    });
}

main().catch((reason) => { process.stderr.write(String((reason && reason.stack) || reason)); process.exit(NO_BROWSER); });
