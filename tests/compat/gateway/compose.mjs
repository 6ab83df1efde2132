// Composes subgraphs to a supergraph: `node compose.mjs NAME FILE URL …` prints it, or what does not fit, and fails.
import { readFileSync } from "node:fs";
import { composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";

const subgraphs = [];
for (let rest = process.argv.slice(2); rest.length; rest = rest.slice(3)) {
  const [name, file, url] = rest;
  subgraphs.push({ name, url, typeDefs: parse(readFileSync(file, "utf8")) });
}
const { errors = [], supergraphSdl } = composeServices(subgraphs);
for (const { message } of errors) console.error(message);
if (errors.length) process.exit(1);
console.log(supergraphSdl);
