import type { Row } from '../row.ts';
import { ARRAYS } from './arrays.ts';
import { CONVERSIONS } from './conversions.ts';
import { DATES } from './dates.ts';
import { FORMATS } from './formats.ts';
import { INTERSECTIONS } from './intersections.ts';
import { LITERALS } from './literals.ts';
import { NUMBERS } from './numbers.ts';
import { OBJECTS } from './objects.ts';
import { RECORDS } from './records.ts';
import { RECURSION } from './recursion.ts';
import { REFINEMENTS } from './refinements.ts';
import { STRINGS } from './strings.ts';
import { TRANSFORMS } from './transforms.ts';
import { UNIONS } from './unions.ts';
import { V3 } from './v3.ts';
import { V3_EFFECTS } from './v3_effects.ts';
import { V3_INTERSECTIONS } from './v3_intersections.ts';
import { V3_SHAPES } from './v3_shapes.ts';

/** Every row of the corpus. */
export const CORPUS: Row[] = [
  ...STRINGS,
  ...FORMATS,
  ...NUMBERS,
  ...LITERALS,
  ...ARRAYS,
  ...RECORDS,
  ...OBJECTS,
  ...UNIONS,
  ...INTERSECTIONS,
  ...RECURSION,
  ...DATES,
  ...TRANSFORMS,
  ...CONVERSIONS,
  ...REFINEMENTS,
  ...V3,
  ...V3_SHAPES,
  ...V3_INTERSECTIONS,
  ...V3_EFFECTS,
];
