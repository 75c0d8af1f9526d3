import { z } from 'zod';
import { configSchema, type VariableName } from './schema.ts';

/** A description of a variable, for messages and for the documentation. */
export type VariableDescription = {
  name: VariableName;
  purpose: string;
  /** The end of the sentence "it must be …". */
  accepts: string;
  default: string | undefined;
  example: string | undefined;
  /** If true, the value is never shown. */
  isSecret: boolean;
};

/** The JSON Schema of a variable. Everything in it comes from its Zod schema. */
const propertySchema = z.object({
  type: z.string(),
  description: z.string(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  default: z.union([z.string(), z.number()]).transform(String).optional(),
  examples: z.array(z.string()).optional(),
  secret: z.boolean().default(false),
});
type Property = z.output<typeof propertySchema>;

/** Every variable, in the order of the schema. */
export function describeVariables(): VariableDescription[] {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'input' });
  return Object.entries(properties).map(([name, json]) => {
    const property = propertySchema.parse(json);
    return {
      name: name as VariableName,
      purpose: property.description,
      accepts: accepts(property),
      default: property.default,
      example: property.examples?.[0],
      isSecret: property.secret,
    };
  });
}

function accepts(property: Property): string {
  const { type, enum: choices, examples } = property;
  if (choices !== undefined) return listed(choices);
  if (examples !== undefined) return `text like ${examples.map(code).join(' or ')}`;
  if (type === 'string') return 'text';
  return `${type === 'integer' ? 'an integer' : 'a number'} ${range(property)}`;
}

function range({ minimum, exclusiveMinimum, maximum }: Property): string {
  return exclusiveMinimum === undefined
    ? `from ${minimum} to ${maximum}`
    : `above ${exclusiveMinimum}, up to ${maximum}`;
}

function listed(choices: string[]): string {
  const last = choices.slice(-1).map(code);
  const others = choices.slice(0, -1).map(code).join(', ');
  return [others, ...last].filter((part) => part !== '').join(' or ');
}

function code(text: string): string {
  return `\`${text}\``;
}
