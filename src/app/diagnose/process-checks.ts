// Checks of the process and its machine: privileges, limits, and what could write its memory to a disk.
import { ADVISORIES } from './advisories.ts'
import { type Check, fail, ok, unknown, warn } from './facts.ts'

const OPEN_FILES = 65_536

export const processChecks: Readonly<Record<string, Check>> = {
  'the server is not root': ({ process }) =>
    process.uid === 0
      ? fail(process.running ? 'it runs as root' : 'it would run as root', 'run it as a user of its own; deploy/signet.service does')
      : ok(`it runs as user ${process.uid}`),

  'no privileges to gain': ({ process: { running, noNewPrivileges, capabilityBounds } }) => {
    if (!running || noNewPrivileges === undefined || capabilityBounds === undefined) return unknown('no server runs here')
    const lacking = [
      ...(noNewPrivileges ? [] : ['NoNewPrivs is off']),
      ...(capabilityBounds === 0n ? [] : ['the capability bounding set is not empty']),
    ]
    return lacking.length > 0
      ? warn(lacking.join('; '), 'set NoNewPrivileges=yes and CapabilityBoundingSet= in its unit')
      : ok('no new privileges, and an empty capability bounding set')
  },

  'swap is off or encrypted': ({ machine: { swaps } }) => {
    const open = swaps.filter(({ encrypted }) => !encrypted)
    return open.length > 0
      ? fail(open.map(({ name }) => name).join(', '), 'swapoff, or swap on an encrypted device or zram')
      : ok('nothing is swapped in the clear')
  },

  'no core dumps, no tracers': ({ process: { running, coreLimit, traceable } }) => {
    if (!running) return unknown('no server runs here; it switches them off itself')
    if (coreLimit !== 0) return fail('core dumps are not switched off', 'the log of the start says why')
    return traceable === true ? fail('its user may trace it', 'the log of the start says why') : ok('neither is possible')
  },

  'memory for keys is locked': ({ process: { running, lockedBytes, lockLimit } }) => {
    if (running)
      return lockedBytes === 0 ? fail('no memory is locked', 'set LimitMEMLOCK=infinity in its unit') : ok(`${lockedBytes} bytes are locked`)
    if (lockLimit === undefined) return unknown('the limit is not known')
    return lockLimit < 1 << 16 ? fail(`only ${lockLimit} bytes may be locked`, 'set LimitMEMLOCK=infinity in its unit') : ok('enough may be locked')
  },

  'Node has no options from the environment': ({ process: { nodeOptions } }) =>
    nodeOptions === '' ? ok('NODE_OPTIONS is empty') : fail('NODE_OPTIONS is set', 'unset it for the server: options of Node can show its memory'),

  'enough files may be open': ({ process: { openFiles } }) => {
    if (openFiles === undefined) return unknown('the limit is not known')
    return openFiles < OPEN_FILES
      ? fail(`${openFiles}, less than ${OPEN_FILES}`, `set LimitNOFILE=${OPEN_FILES} in its unit`)
      : ok(`${openFiles} may be open`)
  },

  'no known weakness in this version': ({ versions }) => {
    const hit = ADVISORIES.filter(({ of, before }) => isOlder(versions[of], before))
    return hit.length > 0
      ? fail(hit.map(({ of, before, why }) => `${of} ${versions[of]} is older than ${before}: ${why}`).join('; '), 'update it')
      : ok(`signet ${versions.signet}, node ${versions.node}`)
  },
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.replace(/^v/, '').split(/[.+-]/).map(Number)) as [number[], number[]]
  const at = b.findIndex((part, index) => (a[index] ?? 0) !== part)
  return at >= 0 && (a[at] ?? 0) < (b[at] as number)
}
