/**
 * The process that decodes one upload with node-av: reads its job from the working folder and writes its verdict to
 * standard output. `ready` comes first, to tell a process that cannot start from an upload that killed it.
 */
import { readFileSync } from 'node:fs';
import { JOB_FILE, loadUploadCodecs, rewriteUpload, type RewriteJob } from './libav-rewrite.ts';

const job = JSON.parse(readFileSync(JOB_FILE, 'utf8')) as RewriteJob;
const codecs = await loadUploadCodecs();
process.stdout.write('ready\n');
process.stdout.write(`${(await rewriteUpload(job, codecs)) ?? 'written'}\n`);
