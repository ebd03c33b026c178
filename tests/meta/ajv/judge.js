// SPDX-License-Identifier: Apache-2.0
// Reads a JSON Schema and then documents, one JSON text a line, and answers each document with a line: "null" when it is
// valid, else what is wrong first. The last line is {"compile", "read", "validate"}: the seconds of the processor's time
// that each took.
"use strict";
const Ajv = require("ajv/dist/2020");

const lines = require("fs").readFileSync(0, "utf8").split("\n");
const schema = JSON.parse(lines[0]);

// The annotations of weft are words of a vocabulary of its own; of anything else that it does not know, ajv complains.
const annotations = new Set();
(function walk(part) {
	for (const [key, below] of Object.entries(part)) {
		if (key.startsWith("x-"))
			annotations.add(key);
		if (below && typeof below === "object")
			walk(below);
	}
})(schema);

function seconds() {
	const usage = process.cpuUsage();
	return (usage.user + usage.system) / 1e6;
}

const ajv = new Ajv({strict: true, strictTypes: false, strictRequired: false});
ajv.addVocabulary([...annotations]);
const started = seconds();
const validate = ajv.compile(schema);
const compiled = seconds();
const documents = lines.slice(1).filter((line) => line).map((line) => JSON.parse(line));
const read = seconds();
const answers = documents.map((document) =>
	validate(document) ? null : `${validate.errors[0].instancePath}: ${validate.errors[0].message}`);
const end = seconds();
process.stdout.write(answers.map((answer) => JSON.stringify(answer) + "\n").join(""));
process.stdout.write(JSON.stringify({compile: compiled - started, read: read - compiled, validate: end - read}) + "\n");
