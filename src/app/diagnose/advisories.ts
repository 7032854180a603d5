// Versions that should not run, shipped with the program so that it can say so itself.

export interface Advisory {
  readonly of: 'signet' | 'node'
  /** The first version without the weakness. */
  readonly before: string
  readonly why: string
}

export const ADVISORIES: readonly Advisory[] = [{ of: 'node', before: '24.20.0', why: 'this release was made with newer security fixes of Node' }]
