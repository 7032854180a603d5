// `signet config check`: what a server would make of its configuration.
import { command, group } from '../command.ts'
import { showObject } from '../output/show.ts'

export const check = command({
  doc: 'Check a configuration, and print what is in effect',
  about: `
Reads files in HCL and JSON, and folders of such files, as "signet server" does, and prints what they
come to, with the defaults of what they do not say. Keys that have no effect are named on standard
error. Nothing is started or changed.

    $ signet config check /etc/signet/server.hcl
    $ signet config check -format=json /etc/signet

The exit code is 0 where a server could start with it, 1 where not.`,
  args: ['PATH...'],
  local: true,
  output: 'format',
  async run(terminal, { args }) {
    const { notes, hcl, json } = terminal.ports.checkConfig(args)
    for (const note of notes) terminal.warn(note)
    if (terminal.format === 'table') terminal.print(hcl)
    else showObject(terminal, json)
  },
})

export const config = group(
  'Work with the configuration of a server',
  { check },
  `
    $ signet config check /etc/signet/server.hcl`,
)
