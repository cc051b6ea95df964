/** Settings of a cluster; part of `config-schema.ts`. */
import { z } from 'zod';

const file = z.string().min(1).optional();

export const clusterSettings = {
  cluster: z
    .string()
    .min(1)
    .optional()
    .describe(
      'NATS servers of a cluster, nats:// or tls://, with commas; serve shares what it computes, worker needs it; default: one process alone',
    ),
  clusterName: z
    .string()
    .default('main')
    .describe('name of the cluster: letters, digits, - and _; several clusters may share one NATS'),
  clusterCredentials: file.describe(
    'file with the NATS credentials (.creds) of this node; needed where NATS asks for them',
  ),
  clusterCa: file.describe('authority (PEM) of the NATS server, where it is not a public one'),
  clusterCert: file.describe('certificate (PEM) of this node, where NATS asks for one'),
  clusterKey: file.describe('private key (PEM) of --cluster-cert'),
  clusterPack: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'what workers announce and gateways ask for; default: a digest of the model, and for gateways that of the first worker',
    ),
  workerName: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('name of a worker, for people; default: that of the machine'),
  workerJobs: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .describe('jobs a worker holds at once, computing or waiting; more are sent to other workers'),
  tiersFrom: z
    .string()
    .regex(/^(base|refined|upscaled)=cluster$/)
    .optional()
    .describe(
      'lowest tier that workers make, as refined=cluster; those below are made here, so the first picture never waits',
    ),
};
