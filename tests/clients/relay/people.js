// What a Relay application would hold: fragments of components, a paged list and things that are fetched again.
import { graphql } from "relay-runtime";

export const Money = graphql`
  fragment people_money on Money {
    amount
    currency
    formatted
  }
`;

export const Person = graphql`
  fragment people_person on Member @refetchable(queryName: "peoplePersonRefetchQuery") {
    name
    role {
      name
    }
    monthToDate {
      ...people_money
    }
    effectiveLimit {
      bindingLevel
      remaining {
        ...people_money
      }
    }
  }
`;

export const People = graphql`
  fragment people_list on Organization
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "peopleListPaginationQuery") {
    members(first: $count, after: $cursor) @connection(key: "people_members") {
      edges {
        node {
          id
          ...people_person
        }
      }
    }
  }
`;

export const Page = graphql`
  query peoplePageQuery($slug: String!) {
    organization(slug: $slug) {
      name
      ...people_list
    }
  }
`;

export const Limit = graphql`
  mutation peopleLimitMutation($input: SetSpendLimitInput!) {
    setSpendLimit(input: $input) {
      limit {
        member {
          ...people_person
        }
      }
      userErrors {
        message
        field
      }
    }
  }
`;

export const Added = graphql`
  mutation peopleAddMutation($input: AddMemberInput!, $connections: [ID!]!) {
    addMember(input: $input) {
      member @appendNode(connections: $connections, edgeTypeName: "MemberEdge") {
        id
        ...people_person
      }
    }
  }
`;

export const Alerts = graphql`
  subscription peopleAlertsSubscription($organization: ID!, $after: String) {
    limitApproaching(organizationId: $organization, after: $after) {
      cursor
      alert {
        member {
          ...people_person
        }
      }
    }
  }
`;
