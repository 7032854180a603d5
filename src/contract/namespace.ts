// A tenant's own part of the server: mounts, policies and tokens of its own, within the namespace above it.

export interface Namespace {
  /** Part of every token, accessor and lease id made in it; `root` for the one that all are in. */
  readonly id: string
  readonly uuid: string
  /** From the root, every name with a slash: `team/app/`; '' is the root. */
  readonly path: string
  readonly metadata: Readonly<Record<string, string>>
  /** What ends its lock; '' where it is not locked. */
  readonly unlockKey: string
  /** The id of the namespace whose own seal guards what is in this one: its own, or that of one above; '' where only the server's does. */
  readonly seal: string
  /** Being removed: nobody gets in any more. */
  readonly doomed: boolean
}

export const ROOT: Namespace = {
  id: 'root',
  uuid: '00000000-0000-0000-0000-000000000000',
  path: '',
  metadata: {},
  unlockKey: '',
  seal: '',
  doomed: false,
}
