import type { AppDeps } from '../../deps.ts';
import { BINARY, HEADER_LENGTH } from '../../oip/binary.ts';
import { inferAnswer } from '../../oip/infer-answer.ts';
import { type InferBody, outputsOf } from '../../oip/infer-request.ts';
import { protocolErrors, scoringCodes, tooShortDetail } from '../../openapi/errors.ts';
import { examplePrediction, exampleText } from '../../openapi/examples.ts';
import {
  type Examples,
  type Operation,
  type Parameter,
  ref,
  type Schema,
} from '../../openapi/operation.ts';
import { timeoutParameter } from '../../score-request.ts';
import { pathParameters } from '../model-path.ts';

const input = { name: 'text', shape: [1], datatype: 'BYTES', data: [exampleText] } as const;

/** Requests that are answered. */
const requests: Readonly<Record<string, { summary: string; value: InferBody }>> = {
  text: {
    summary: 'One text',
    value: { id: 'order-17', inputs: [input] },
  },
  labels: {
    summary: 'Only the labels',
    value: { inputs: [input], outputs: [{ name: 'labels' }] },
  },
};

/** Requests that are refused, by the code of their error. */
const refused: Examples = {
  text_too_short: {
    summary: 'Refused: too short',
    value: { inputs: [{ ...input, data: [''] }] },
  },
  invalid_request: {
    summary: 'Refused: another data type',
    value: { inputs: [{ ...input, datatype: 'FP32' }] },
  },
};

const octets: Schema = { type: 'string', contentMediaType: BINARY };

const headerLength: Parameter = {
  name: HEADER_LENGTH,
  in: 'header',
  description: 'With tensors in binary: how many bytes of the body are JSON',
  schema: { type: 'integer', minimum: 0 },
};

const description = `Tensors are JSON, or binary as in Triton's extension: with the header \`${HEADER_LENGTH}\` the body is so many bytes of JSON and then
the tensors that say \`parameters.binary_data_size\`. Each text is its length in bytes, 4 bytes little-endian, and UTF-8. Outputs that ask for \`parameters.binary_data\`
(all, with the request's \`parameters.binary_data_output\`) come back in the same way.`;

/** What the document says of an infer route. */
export function inferOperation(deps: AppDeps, path: string): Operation {
  return {
    operationId: path.includes('{version}') ? 'inferVersion' : 'infer',
    tag: 'open inference protocol',
    summary: 'Probabilities and labels of texts',
    description,
    parameters: [...pathParameters(deps, path), timeoutParameter, headerLength],
    body: {
      description: 'Texts in one tensor of one dimension',
      schema: ref('InferenceRequest'),
      examples: { ...requests, ...refused },
      otherMediaTypes: { [BINARY]: octets },
    },
    responses: {
      200: {
        description: 'The outputs that were asked for; octets where one of them is binary',
        content: {
          'application/json': { schema: ref('InferenceResponse'), examples: answers(deps) },
          [BINARY]: { schema: octets },
        },
      },
      ...protocolErrors(
        [...scoringCodes, 'not_found'],
        tooShortDetail(deps.model, 'inputs[0].data[0]'),
      ),
    },
  };
}

function answers(deps: AppDeps): Examples {
  const entries = Object.entries(requests).map(([name, { summary, value }]) => {
    const request = { id: value.id, outputs: outputsOf(value) };
    return [name, { summary, value: inferAnswer(deps, request, [examplePrediction(deps)]).json }];
  });
  return Object.fromEntries(entries);
}
