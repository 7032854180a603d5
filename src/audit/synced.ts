// Appending with a promise: what is reported as written is on disk.
import { type AppendFile, Torn } from '../base/ports.ts'

/** Fails with Torn where only a part was taken, which then is on disk too; or with nothing promised where the disk failed. */
export async function appendSynced(file: AppendFile, bytes: Uint8Array): Promise<void> {
  const short = append(file, bytes)
  try {
    await file.sync()
  } catch (error) {
    throw new Torn(short?.written ?? bytes.length, error, false)
  }
  if (short) throw short
}

/** Throws where nothing was written at all. */
function append(file: AppendFile, bytes: Uint8Array): Torn | undefined {
  try {
    file.append(bytes)
    return undefined
  } catch (error) {
    if (error instanceof Torn && error.written > 0) return error
    throw error
  }
}
