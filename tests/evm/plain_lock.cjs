// Leaves hashes in package-lock.json and no addresses. Anvil's binaries are marked as needing a newer node than Debian's,
// of which only their installer would have a use.
const fs = require("fs");
const path = require("path");

const file = path.join(__dirname, "package-lock.json");
const lock = JSON.parse(fs.readFileSync(file, "utf8"));
for (const [name, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  delete entry.funding;
  if (name.startsWith("node_modules/@foundry-rs/")) delete entry.engines;
}
fs.writeFileSync(file, JSON.stringify(lock, null, 2) + "\n");
