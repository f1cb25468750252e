// Runs a Flamenco job compiler script as Flamenco Manager does, as far as scripts see it: `author`, `print` and `path`
// are there, JOB_TYPE and compileJob are what the script defines. Settings come as JSON on the standard input; the job
// type and the tasks go as JSON to the standard output, or what the script threw.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const script = fs.readFileSync(process.argv[2], "utf8");
const given = JSON.parse(fs.readFileSync(0, "utf8"));
const tasks = [];
const printed = [];

const author = {
    Command: (name, parameters) => ({ name, parameters }),
    Task: (name, type) => ({
        name,
        type,
        commands: [],
        dependencies: [],
        addCommand(command) { this.commands.push(command); },
        addDependency(task) { this.dependencies.push(task.name); },
    }),
};
const context = vm.createContext({ author, path, print: (...words) => printed.push(words.join(" ")) });
vm.runInContext(script + "\nthis.found = { JOB_TYPE, compileJob };", context, { filename: process.argv[2] });

const { JOB_TYPE, compileJob } = context.found;
const settings = {};
for (const setting of JOB_TYPE.settings) {
    if ("default" in setting) {
        settings[setting.key] = setting.default;
    }
}
const job = {
    name: "a job",
    settings: Object.assign(settings, given),
    addTask: (task) => tasks.push(task),
};
let complaint = null;
try {
    compileJob(job);
} catch (reason) {
    complaint = String(reason);
}
process.stdout.write(JSON.stringify({ jobType: JOB_TYPE, tasks, printed, complaint }));
