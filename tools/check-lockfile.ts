// The lock file names no registry, so that it installs from any; each package has an integrity hash.
import { readFileSync } from 'node:fs'

const text = readFileSync('package-lock.json', 'utf8')
const packages = Object.entries(JSON.parse(text).packages as Record<string, { integrity?: string; link?: boolean }>)
const problems = [
  ...(/"resolved":/.test(text) || /https?:\/\/[^"]*registry/.test(text) ? ['package-lock.json names a registry host'] : []),
  ...packages.filter(([path, { integrity }]) => path !== '' && integrity === undefined).map(([path]) => `${path} has no integrity hash`),
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
