/**
 * The process that decodes one upload with node-av: its job lies in its working folder, its verdict goes to standard
 * output. `ready` comes first, so that a machine where it does not even start is told from an upload that killed it.
 */
import { readFileSync } from 'node:fs';
import { JOB_FILE, loadUploadCodecs, rewriteUpload, type RewriteJob } from './libav-rewrite.ts';

const job = JSON.parse(readFileSync(JOB_FILE, 'utf8')) as RewriteJob;
const codecs = await loadUploadCodecs();
process.stdout.write('ready\n');
process.stdout.write(`${(await rewriteUpload(job, codecs)) ?? 'written'}\n`);
