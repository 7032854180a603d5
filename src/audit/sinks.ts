// Makes the way out of a device: its chain, and what the chain's lines are appended to.
import type { Log } from '../base/log.ts'
import { base62 } from '../base/ids.ts'
import type { Folder, Ports } from '../base/ports.ts'
import { openChain, type Signer } from './chain.ts'
import type { Device } from './device.ts'
import { FileOut, printOut } from './file.ts'
import { type Heads, headsIn } from './heads.ts'
import type { OpenSink } from './live.ts'
import type { AuditMeter } from './meter.ts'
import type { Way } from './options.ts'
import { Orphans, type RemoteDeps, RemoteSink } from './remote.ts'
import { linesOf } from './split.ts'
import type { Out, Sink } from './sink.ts'
import { Writer, type WriterDeps } from './writer.ts'

export interface SinkDeps {
  readonly ports: Pick<Ports, 'clock' | 'timers' | 'random' | 'files' | 'sockets' | 'print' | 'host'>
  readonly log: Log
  readonly meter: AuditMeter
  readonly heads: Heads
  readonly signer: () => Signer
  /** Folders that audit files must lie in; anywhere where unset. */
  readonly folders: readonly string[] | undefined
  /** Where records wait for remote sinks. */
  readonly spools: Folder
}

const CHAIN_ID_LENGTH = 16
/** Checkpoints between others speak of the chains that grow; the first in a file, of all that are known. */
const RECENT_MS = 60_000

export function sinkOpener(deps: SinkDeps): OpenSink {
  return (device, settings) => {
    const { way } = settings
    const chain = chainOf(deps, device)
    switch (way.kind) {
      case 'discard':
        return DISCARD
      case 'stdout':
        return new Writer({ ...chain, out: printOut(deps.ports.print) })
      case 'file':
        return new Writer({ ...chain, out: fileOut(deps, device, way) })
      case 'socket':
      case 'syslog':
        return new RemoteSink(device, way, remoteDeps(deps), chain)
    }
  }
}

/** Keeps nothing, and says that it does: for tests of what audit costs. */
const DISCARD: Sink = {
  write: () => Promise.resolve(),
  prove: () => Promise.resolve(),
  reopen() {},
  close: () => Promise.resolve(),
  state: () => ({ failing: undefined }),
}

/** What a killed process of this machine left unsent. */
export function orphanage(deps: SinkDeps): Orphans {
  return new Orphans(remoteDeps(deps))
}

function remoteDeps({ ports, log, spools }: SinkDeps): RemoteDeps {
  return { ports, log, folder: spools }
}

function fileOut({ ports, log, meter, folders }: SinkDeps, { path: name }: Device, { path, mode, synced }: Extract<Way, { kind: 'file' }>): Out {
  return new FileOut(
    path,
    { mode, synced, ...(folders ? { within: folders } : {}) },
    {
      ...ports,
      mishap(what) {
        if (what === 'replaced') log.warn('an audit file was moved away; a new one is begun', { device: name, path })
        else log.error(`an audit file was ${what} while it was written`, { device: name, path })
        meter.mishap(name, what)
      },
    },
  )
}

function chainOf({ ports, log, heads, signer }: SinkDeps, device: Device): Omit<WriterDeps, 'out'> {
  let stored = true
  const saved = (error?: unknown): void => {
    if (error !== undefined && stored) log.error('how far an audit chain has come could not be stored', { device: device.path }, error)
    stored = error === undefined
  }
  return {
    ...ports,
    device: device.path,
    chain: openChain(base62(ports.random, CHAIN_ID_LENGTH), signer()),
    others(occasion, tail) {
      const known = heads.of(device)
      if (!tail) return occasion === 'reopen' ? known : known.filter(({ at }) => at > ports.clock.now() - RECENT_MS)
      const { heads: moved, broken } = headsIn(linesOf(tail), known)
      for (const chain of broken) log.error('lines of an audit chain are not those that were written', { device: device.path, chain })
      return moved
    },
    async signed(head) {
      try {
        await heads.save(device, head, ports.clock.now())
        saved()
      } catch (error) {
        saved(error)
      }
    },
  }
}
