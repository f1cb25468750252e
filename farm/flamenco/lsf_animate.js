// SPDX-License-Identifier: GPL-3.0-or-later
//
// A job type for Flamenco 3: a list (or folder) of recordings becomes talking heads, one task for each part of the
// list. Put this file into the folder "scripts" beside Flamenco Manager; docs/batch.md says the rest.

const JOB_TYPE = {
    label: "LSF Animation",
    description: "Make talking heads of a list or a folder of recordings, in parts on several workers",
    settings: [
        { key: "source", type: "string", subtype: "file_path", required: true, visible: "visible",
          description: "List (.csv, .json) or folder of recordings, on storage that all workers see" },
        { key: "output", type: "string", subtype: "dir_path", required: true, visible: "visible",
          description: "Folder for the results, on storage that all workers see" },
        { key: "parts", type: "int32", default: 4, propargs: { min: 1, max: 1000 }, visible: "visible",
          description: "How many tasks to cut the work into; once or twice the number of workers" },
        { key: "outputs", type: "string", default: "glb", visible: "visible",
          description: "Kinds of files, such as 'glb csv', for lines that do not say it themselves" },
        { key: "model", type: "string", default: "starter", visible: "visible",
          description: "Name or folder of the model" },
        { key: "head", type: "string", subtype: "file_path", default: "", visible: "visible",
          description: "Head file; the bundled head where empty" },
        { key: "jobs", type: "int32", default: 1, propargs: { min: 1, max: 64 }, visible: "visible",
          description: "Recordings that one worker makes at a time" },
        { key: "options", type: "string", default: "", visible: "visible",
          description: "More words of 'lsf animate', such as --fps 30 --prune" },
        { key: "program", type: "string", choices: ["{blender} --command lsf", "{lsf}"],
          default: "{blender} --command lsf", visible: "visible",
          description: "What runs it: the add-on in Blender, or the program that Flamenco's variable 'lsf' names" },
    ],
};

const KINDS = ["npz", "npy", "csv", "json", "blend", "glb", "fbx", "usd", "abc", "mp4"];

// What a part sets itself: given twice, parts would overlap or write elsewhere.
const OWN_OPTIONS = ["-o", "--output", "--shard", "--resume", "--jobs", "--model", "--head"];

function compileJob(job) {
    const settings = job.settings;
    const parts = settings.parts;
    if (!(parts >= 1)) {
        throw "The number of parts must be at least 1.";
    }
    const program = settings.program.split(" ");
    const words = program.slice(1).concat(wordsOf(settings));
    for (let part = 1; part <= parts; part++) {
        const task = author.Task("animate-" + part + "-of-" + parts, "blender");
        task.addCommand(author.Command("exec", {
            exe: program[0],
            args: words.concat(["--shard", part + "/" + parts]),
        }));
        job.addTask(task);
    }
    print("LSF Animation:", parts, "parts of", settings.source);
}

// The words that all parts share. They resume, so that a task that is run again makes only what is missing.
function wordsOf(settings) {
    const words = ["animate", settings.source, "--output", settings.output, "--resume"];
    for (const kind of splitWords(settings.outputs || "")) {
        if (KINDS.indexOf(kind) < 0) {
            throw "'" + kind + "' is no kind of file that can be written; choose of " + KINDS.join(", ") + ".";
        }
        words.push("--" + kind);
    }
    if (settings.jobs > 1) {
        words.push("--jobs", String(settings.jobs));
    }
    if (settings.model) {
        words.push("--model", settings.model);
    }
    if (settings.head) {
        words.push("--head", settings.head);
    }
    const more = splitWords(settings.options || "");
    for (const word of more) {
        if (OWN_OPTIONS.indexOf(word.split("=")[0]) >= 0) {
            throw "'" + word + "' has a setting of its own, or is set for every part: leave it out of the options.";
        }
    }
    return words.concat(more);
}

// Words as a shell splits them: at spaces, with "…" and '…' around words that hold some.
function splitWords(text) {
    const found = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) || [];
    const words = found.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
    if (text.replace(/"[^"]*"|'[^']*'/g, "").search(/["']/) >= 0) {
        throw "A quotation mark has no partner in: " + text;
    }
    return words;
}
