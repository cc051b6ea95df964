/** The OpenAPI document against the specification, and its parameters against what the routes read. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApiDocument, type DocumentOptions } from '../../../signaling/http/openapi.ts';
import { generationRequest } from '../../../signaling/protocol.ts';
import { roomRequest } from '../../../signaling/room-messages.ts';
import { readRoomQuery, readWhepQuery } from '../../../signaling/whep/whep-query.ts';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
}
type Document = { paths: Record<string, Record<string, { parameters?: Parameter[] }>> };

const EVERYTHING = { clips: true, metrics: true, tokens: true };
const documentOf = (options: DocumentOptions): Document =>
  JSON.parse(JSON.stringify(openApiDocument(options))) as Document;

describe('the OpenAPI document', () => {
  it.each<[string, DocumentOptions]>([
    ['with everything', EVERYTHING],
    ['with nothing optional', { clips: false, metrics: false, tokens: false }],
  ])('is valid OpenAPI 3.1 %s', async (_, options) => {
    const validator = new Validator();
    expect(await validator.validate(documentOf(options))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    // Throws for a reference that leads nowhere.
    expect(validator.resolveRefs()).toHaveProperty('paths');
  });

  it('fails this check when it is not', async () => {
    const document = documentOf(EVERYTHING);
    document.paths['/whep']!['post']!.parameters![0]!.in = 'body' as Parameter['in'];
    expect(await new Validator().validate(document)).toMatchObject({ valid: false });
  });

  it('declares each parameter of a path once, and none that its path does not have', () => {
    for (const [path, operations] of Object.entries(documentOf(EVERYTHING).paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
      for (const [method, { parameters = [] }] of Object.entries(operations)) {
        const declared = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
        expect([method, path, declared.toSorted()]).toEqual([method, path, named.toSorted()]);
        expect(new Set(parameters.map(({ name }) => name)).size).toBe(parameters.length);
      }
    }
  });

  it('names exactly the query parameters that are read', () => {
    const queries = Object.entries(documentOf(EVERYTHING).paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { parameters = [] }]) =>
        parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => `${method} ${path} ${name}`),
      ),
    );
    const { name: _, ...room } = roomRequest.shape;
    const read = [...Object.keys(generationRequest.shape), 'room', ...Object.keys(room)];
    expect(queries.toSorted()).toEqual([...read.map((name) => `post /whep ${name}`), 'post /whip session'].toSorted());
    const query = { prompt: 'a red ball', room: 'blue', key: 'k', as: 'Anna', everyone: 'watch' };
    expect(readRoomQuery(query)).toEqual({ name: 'blue', key: 'k', as: 'Anna', everyone: 'watch' });
    expect(readWhepQuery(query)).toMatchObject({ prompt: 'a red ball' });
  });
});
