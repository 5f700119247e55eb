import { stringEnum } from './enums.ts';

export const OrderDirectionEnum = stringEnum('OrderDirection', 'Ascending or descending.', [
  'ASC',
  'DESC',
]);
