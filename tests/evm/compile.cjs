// Compiles contracts/*.sol and writes their code to node_modules/.contracts.json, by name.
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const folder = path.join(__dirname, "contracts");
const sources = {};
for (const name of fs.readdirSync(folder)) {
  sources[name] = { content: fs.readFileSync(path.join(folder, name), "utf8") };
}
const settings = { outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } } };
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
const errors = (output.errors || []).filter((error) => error.severity === "error");
if (errors.length) {
  errors.forEach((error) => console.error(error.formattedMessage));
  process.exit(1);
}
const code = {};
for (const contracts of Object.values(output.contracts)) {
  for (const [name, contract] of Object.entries(contracts)) {
    code[name] = "0x" + contract.evm.deployedBytecode.object;
  }
}
fs.writeFileSync(path.join(__dirname, "node_modules", ".contracts.json"), JSON.stringify(code));
